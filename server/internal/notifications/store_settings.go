package notifications

import (
	"context"

	"github.com/uptrace/bun"
)

type settingRow struct {
	bun.BaseModel `bun:"table:notifications_settings,alias:s"`
	User          User   `bun:"user_entity_ref,pk"`
	Channel       string `bun:"channel,pk"`
	Origin        string `bun:"origin,pk"` // "" = the channel
	Topic         string `bun:"topic,pk"`  // "" = the origin
	Enabled       bool   `bun:"enabled"`
}

// settings reads the stored settings of users.
func (t tables) settings(ctx context.Context, users []User) (map[User]Settings, error) {
	const usersPerQuery = 500
	all := make(map[User]Settings, len(users))
	for len(users) > 0 {
		part := users[:min(len(users), usersPerQuery)]
		users = users[len(part):]
		var rows []settingRow
		err := t.db.Read().NewSelect().Model(&rows).Where("user_entity_ref IN (?)", bun.List(part)).
			OrderExpr("user_entity_ref, channel, origin, topic").Scan(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			s := all[r.User]
			s.add(r)
			all[r.User] = s
		}
	}
	return all, nil
}

// add takes rows in the order of their keys: a channel before its origins, an origin before its topics.
func (s *Settings) add(r settingRow) {
	channel := s.channel(r.Channel)
	if channel == nil {
		s.Channels = append(s.Channels, ChannelSetting{ID: r.Channel})
		channel = &s.Channels[len(s.Channels)-1]
	}
	if r.Origin == "" {
		channel.Enabled = &r.Enabled
		return
	}
	origin := channel.origin(r.Origin)
	if origin == nil {
		channel.Origins = append(channel.Origins, OriginSetting{ID: r.Origin, Enabled: true})
		origin = &channel.Origins[len(channel.Origins)-1]
	}
	if r.Topic == "" {
		origin.Enabled = r.Enabled
		return
	}
	origin.Topics = append(origin.Topics, TopicSetting{ID: r.Topic, Enabled: r.Enabled})
}

func (t tables) saveSettings(ctx context.Context, user User, s Settings) error {
	rows := s.rows(user)
	return t.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewDelete().Model((*settingRow)(nil)).Where("user_entity_ref = ?", user).Exec(ctx); err != nil {
			return err
		}
		if len(rows) == 0 {
			return nil
		}
		_, err := tx.NewInsert().Model(&rows).Exec(ctx)
		return err
	})
}

// rows flattens s. Of two settings with the same key the last counts.
func (s Settings) rows(user User) []settingRow {
	type key struct{ channel, origin, topic string }
	at := map[key]int{}
	var rows []settingRow
	put := func(channel, origin, topic string, enabled bool) {
		k := key{channel, origin, topic}
		i, again := at[k]
		if !again {
			i = len(rows)
			at[k] = i
			rows = append(rows, settingRow{User: user, Channel: channel, Origin: origin, Topic: topic})
		}
		rows[i].Enabled = enabled
	}
	for _, c := range s.Channels {
		if c.Enabled != nil {
			put(c.ID, "", "", *c.Enabled)
		}
		for _, o := range c.Origins {
			put(c.ID, o.ID, "", o.Enabled)
			for _, t := range o.Topics {
				put(c.ID, o.ID, t.ID, o.Enabled && t.Enabled)
			}
		}
	}
	return rows
}

// heard is the origins and topics that the user has had notifications of.
func (t tables) heard(ctx context.Context, user User) ([]originTopic, error) {
	var pairs []originTopic
	err := t.db.Read().NewSelect().Model((*directRow)(nil)).Distinct().Column("origin", "topic").
		Where("user_entity_ref = ?", user).OrderExpr("origin, topic").Scan(ctx, &pairs)
	return pairs, err
}

// originTopic is an origin, and one of its topics unless that is nil.
type originTopic struct {
	Origin string  `bun:"origin"`
	Topic  *string `bun:"topic"`
}
